"""What `tcpvsadm -h` and `--version` say; the words are ours, the options those of KTCPVS."""

VERSION = "tcpvsadm v0.0.18 (KTCPVS v0.0.18), answered by the running director"

HELP = """\
Usage: tcpvsadm COMMAND [OPTION ...], answered by the running director

Commands, one of them, first:
  -A  --add-service -i IDENT [-s -P -l]       a virtual service; it does not listen yet
  -E  --edit-service -i IDENT [-s -P]         change it; what is not said stays
  -D  --delete-service -i IDENT               one that is stopped
  -F  --flush                                 all services that are stopped
  -a  --add-server -i IDENT -r SERVER [-w]
  -e  --edit-server -i IDENT -r SERVER [-w]
  -d  --delete-server -i IDENT -r SERVER      one that no rule uses
      --add-rule -i IDENT -p PATTERN -r SERVER [-m]
      --del-rule -i IDENT -p PATTERN -r SERVER
  -L  --list [-n] [-i IDENT]                  services, servers and rules, as a file has them
  -f  --load-configfile FILE                  the services of a file in the place of all that are stopped
      --start [-i IDENT], --stop [-i IDENT]   of one service, or of all
  -h  --help, --version

Options:
  -i  --ident NAME            of the service
  -l  --listen HOST[:PORT]    where it listens; every address without it
  -P  --port N                8080 without it
  -s  --scheduler NAME        http (the default), hhttp, phttp, chttp, wlc, or one of the director
  -r  --real-server HOST:PORT
  -w  --weight N              1 without it
  -p  --pattern REGEX         of the request's target
  -m  --match N               the group of the pattern that hhttp hashes; 0 = all that it matched
  -n  --numeric               no names"""
