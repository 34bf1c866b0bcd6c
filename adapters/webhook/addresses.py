"""Which addresses are of the public internet.

Own list, since `ipaddress.is_global` changed its meaning between Python 3.11, 3.12 and 3.13.
Sources: the IANA registries of special-purpose addresses, for IPv4 and for IPv6.
"""

from ipaddress import IPv4Address, ip_address, ip_network

_IPV4_NOT_PUBLIC = [
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # "this network": Linux takes it for loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598), and a cloud's metadata in it
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number: a cloud's host of its virtual machines
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]

_IPV6_UNICAST = ip_network("2000::/3")
"""All else is special: `::1`, ULA, link-local, site-local, multicast, IPv4-mapped, NAT64."""

_IPV6_NOT_PUBLIC = [
    ip_network(each)
    for each in (
        "2001::/23",  # protocols: Teredo (2001::/32), ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address lies in it
        "3ffe::/16",
        "3fff::/20",
    )
]


def is_public(address: str) -> bool:
    """Whether *address*, as the resolver wrote it, is a public host's, whatever leads there."""
    try:
        read = ip_address(address)
    except ValueError:
        return False
    if isinstance(read, IPv4Address):
        return not any(read in network for network in _IPV4_NOT_PUBLIC)
    return read in _IPV6_UNICAST and not any(read in network for network in _IPV6_NOT_PUBLIC)
