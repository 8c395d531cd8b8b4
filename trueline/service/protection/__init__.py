"""The wire: what a connection may do before a request reaches the app, and after its answer left it.

One file for each thing that a client may do wrong; all of them meet in Wire, which uvicorn speaks for us:
`punctual` (sends too late), `brief` (sends too much), `taken` (does not take its answer), `gone` (leaves). The limits
of the app (trueline/service/protection/request_limits.py) begin when a head is whole; before that nobody but the protocol knows of the client.
"""

from trueline.service.protection.disconnects import DisconnectProtocol
from trueline.service.protection.header_limit import HeaderLimitProtocol
from trueline.service.protection.read_timeouts import ReadTimeoutProtocol
from trueline.service.protection.write_timeouts import WriteTimeoutProtocol


class ServiceProtocol(ReadTimeoutProtocol, HeaderLimitProtocol, WriteTimeoutProtocol, DisconnectProtocol):
    """The protocol of the service."""
