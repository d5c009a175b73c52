"""Files of pictures: what they contain, and their values, whatever format they have."""
