"""Any program, run on cards that are not there: started, watched from inside, and judged."""
