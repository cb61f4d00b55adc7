"""What must outlive the process: what operators changed over the configuration file, and the generations.

`overlay` holds the changes and lays them over what is read, `kept` is all that is kept and its form as
text, `values` turns values of the model into text and back; all are pure.  `io` keeps the text: in
`state_dir`.  The registry stays the owner of everything that runs.
"""
