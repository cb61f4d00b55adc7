"""What must outlive the process: the orders of operators, laid over the configuration file.

`overlay` holds them and lays them over what is read, `document` is their form as text; both are pure.
`io` keeps the text in `state_dir`.  The registry stays the owner of everything that runs.
"""
