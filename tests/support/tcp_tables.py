"""IPVS's TCP states as `lvs-semantics` has them: what unit tests and tests on the wire expect."""

D2 = """
NORMAL          NO ES SS SR FW TW CL CW LA LI SA
INPUT      syn  SR ES ES SR SR SR SR SR SR SR SR
           fin  CL CW SS TW TW TW CL CW LA LI TW
           ack  ES ES SS ES FW TW CL CW CL LI ES
           rst  CL CL CL SR CL CL CL CL LA LI SR
OUTPUT     syn  SS ES SS SR SS SS SS SS SS LI SR
           fin  TW FW SS TW FW TW CL TW LA LI TW
           ack  ES ES SS ES FW TW CL CW LA ES ES
           rst  CL CL SS CL CL TW CL CL CL CL CL
INPUT-ONLY syn  SR ES ES SR SR SR SR SR SR SR SR
           fin  CL FW SS TW FW TW CL CW LA LI TW
           ack  ES ES SS ES FW TW CL CW CL LI ES
           rst  CL CL CL SR CL CL CL CL LA LI CL

SECURE          NO ES SS SR FW TW CL CW LA LI SA
INPUT      syn  SR ES ES SR SR SR SR SR SR SR SA
           fin  CL CW SS TW TW TW CL CW LA LI SA
           ack  ES ES SS SR FW TW CL CW CL LI SA
           rst  CL CL CL SR CL CL CL CL LA LI CL
OUTPUT     syn  SS ES SS SA SS SS SS SS SS LI SA
           fin  TW FW SS TW FW TW CL TW LA LI TW
           ack  ES ES SS ES FW TW CL CW LA ES ES
           rst  CL CL SS CL CL TW CL CL CL CL CL
INPUT-ONLY syn  SA ES ES SR SA SA SA SA SA SA SA
           fin  CL FW SS TW FW TW CL CW LA LI TW
           ack  ES ES SS ES FW TW CL CW CL LI ES
           rst  CL CL CL SR CL CL CL CL LA LI CL
"""
"""Part D.2, word for word: under a table, by direction and event, the new state below each old one."""

D1 = {
    "NO": ("NONE", 2), "ES": ("ESTABLISHED", 900), "SS": ("SYN_SENT", 120), "SR": ("SYN_RECV", 60),
    "FW": ("FIN_WAIT", 120), "TW": ("TIME_WAIT", 120), "CL": ("CLOSE", 10), "CW": ("CLOSE_WAIT", 60),
    "LA": ("LAST_ACK", 30), "LI": ("LISTEN", 120), "SA": ("SYNACK", 120),
}  # fmt: skip
"""Part D.1: name and seconds of each state."""
