"""What a data set holds: a table and a picture."""
