def print_tables(*a): pass
