"""A private registry and the relay to it, on this host and in a private Docker's network."""

from __future__ import annotations

import http.client
import os
from contextlib import closing

import pytest

from lab.engines.private import start_docker
from lab.engines.registry import start_registry
from lab.host import netns, paths
from lab.host.relay import Relay

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="private engines need root here")


def test_a_registry_answers_through_a_relay_and_leaves_nothing() -> None:
    before = set(paths.state_dir().iterdir())
    with start_registry(print) as registry:
        with Relay(registry.socket) as relay:
            host, port = relay.address.split(":")
            with closing(http.client.HTTPConnection(host, int(port), timeout=5)) as connection:
                connection.request("GET", "/v2/_catalog")
                assert connection.getresponse().read() == b'{"repositories":[]}\n'
        asked = registry.log.more()
        assert asked.requests >= 1
        assert asked.refused == 0
    assert set(paths.state_dir().iterdir()) == before
    assert not registry.socket.exists()


def test_a_private_docker_has_a_loopback_of_its_own_to_listen_on() -> None:
    with start_docker(print) as daemon:
        with closing(netns.listen(daemon.network)) as there:
            place = there.getsockname()
            with pytest.raises(ConnectionRefusedError), closing(_connected(place)):
                pass  # the host's loopback is another one
        with pytest.raises(OSError, match="No such file"):
            netns.listen(paths.state_dir() / "no-such-namespace")


def _connected(place: tuple[str, int]) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(*place, timeout=5)
    connection.connect()
    return connection
