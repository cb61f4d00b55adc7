"""What `ipvsadm -h` and `-v` say; the words are ours, the options those of ipvsadm 1.31."""

VERSION = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)"
"""Scripts look for the number; the director answers in the place of the kernel."""

HELP = """\
Usage: ipvsadm COMMAND [OPTION ...], answered by the running director

Commands, one of them, first:
  -A  --add-service SERVICE [-s -p -M -o --pe -b]      a virtual service
  -E  --edit-service SERVICE [-s -p -M -o --pe -b]     its settings anew
  -D  --delete-service SERVICE
  -C  --clear                                          no services any more
  -a  --add-server SERVICE -r SERVER [-g|-i|-m -w -x -y]
  -e  --edit-server SERVICE -r SERVER [-g|-i|-m -w -x -y]
  -d  --delete-server SERVICE -r SERVER
  -L, -l  --list [SERVICE]                             services and servers
  -Z  --zero [SERVICE]                                 counters start again
  -S  --save [-n]                                      rules to standard output
  -R  --restore                                        rules from standard input
      --set TCP TCPFIN UDP                             time-outs in seconds, 0 keeps one
      --start-daemon master|backup, --stop-daemon master|backup
  -h  --help, -v  --version

SERVICE is one of
  -t  --tcp-service HOST[:PORT]    -u  --udp-service HOST[:PORT]    --sctp-service HOST[:PORT]
  -f  --fwmark-service MARK [-6  --ipv6]

Of a service:
  -s  --scheduler NAME             wlc without it
  -p  --persistent [SECONDS]       clients stay with their server; 360 without a number
  -M  --netmask MASK               of clients that belong together
      --pe NAME                    persistence engine: sip
  -o  --ops                        every packet on its own (UDP)
  -b  --sched-flags LIST           sh-fallback, sh-port, mh-fallback, mh-port, flag-1 to flag-3

Of a server:
  -r  --real-server HOST[:PORT]
  -g  --gatewaying (the default)   -i  --ipip   -m  --masquerading
  -w  --weight N   -x  --u-threshold N   -y  --l-threshold N
      --tun-type ipip|gue|gre   --tun-port N   --tun-nocsum | --tun-csum | --tun-remcsum

Of a list:
  -n  --numeric   -c  --connection   --timeout   --daemon   --stats   --rate   --thresholds
      --persistent-conn   --tun-info   --nosort   -X  --exact

Of a daemon:
      --syncid N   --sync-maxlen N   --mcast-interface NAME   --mcast-group ADDRESS
      --mcast-port N   --mcast-ttl N"""
