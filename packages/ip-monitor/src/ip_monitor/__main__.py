"""
`python -m ip_monitor` is `ip-monitor`.
"""

from ip_monitor.cli import main

main()
