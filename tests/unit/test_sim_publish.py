"""The publisher's accounts and bounds, over a link that is only pretended."""

import threading

import pytest

from simulators.publish import Answer, Broker, Counts, Limits, Publisher


class FakeLink:
    """Keeps what was sent; the test answers."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.hung_up = False

    def send(self, topic: str, payload: bytes) -> None:
        self.sent.append((topic, payload))

    def hang_up(self) -> None:
        self.hung_up = True


class FakeBroker:
    def __init__(self) -> None:
        self.link = FakeLink()

    def connect(self, _broker, _limits, answered):
        self.answered = answered
        return self.link


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


def publisher(broker: FakeBroker, outstanding_max: int = 3) -> Publisher:
    return Publisher("mqtt://localhost", Limits(outstanding_max=outstanding_max), broker.connect)


def test_answers_are_counted(broker):
    with publisher(broker) as outlet:
        for answer in (Answer.ACKNOWLEDGED, Answer.REFUSED, Answer.ACKNOWLEDGED):
            assert outlet.publish("t", b"p")
            broker.answered(answer)
        assert outlet.counts == Counts(published=3, acknowledged=2, refused=1)
    assert broker.link.sent == [("t", b"p")] * 3
    assert broker.link.hung_up


def test_a_full_publisher_waits_for_an_answer(broker):
    outlet = publisher(broker, outstanding_max=2)
    outlet.open()
    outlet.publish("t", b"1")
    outlet.publish("t", b"2")
    done = threading.Event()

    def third() -> None:
        outlet.publish("t", b"3")
        done.set()

    thread = threading.Thread(target=third)
    thread.start()
    assert not done.wait(0.3)
    assert len(broker.link.sent) == 2
    broker.answered(Answer.ACKNOWLEDGED)
    assert done.wait(5)
    thread.join()
    assert outlet.close(timeout_s=0.0).unanswered == 2


def test_a_full_publisher_gives_up_when_stopped(broker):
    outlet = publisher(broker, outstanding_max=1)
    outlet.open()
    outlet.publish("t", b"1")
    stop = threading.Event()
    stop.set()
    assert not outlet.publish("t", b"2", stop)
    assert outlet.close(timeout_s=0.0) == Counts(published=1, acknowledged=0, refused=0)


def test_closing_waits_for_the_last_answer(broker):
    outlet = publisher(broker)
    outlet.open()
    outlet.publish("t", b"1")
    threading.Timer(0.1, broker.answered, [Answer.ACKNOWLEDGED]).start()
    assert outlet.close(timeout_s=10).unanswered == 0
    assert outlet.close() == Counts(1, 1, 0)


def test_a_closed_publisher_publishes_nothing(broker):
    with pytest.raises(RuntimeError, match="not open"):
        publisher(broker).publish("t", b"1")


def test_addresses():
    assert Broker.parse("mqtt://u:p%40ss@[::1]:1999") == Broker("::1", 1999, "u", "p@ss", tls=False)
    assert Broker.parse("mqtts://broker.example") == Broker("broker.example", 8883, None, None, tls=True)
    assert str(Broker.parse("mqtt://u:secret@h")) == "h:1883"
    for bad in ("http://h", "mqtt://", "h:1883", ""):
        with pytest.raises(ValueError, match="mqtt://user:password@host:1883"):
            Broker.parse(bad)


@pytest.mark.parametrize("count", [0, 65_535])
def test_limits_are_bounded(count):
    with pytest.raises(ValueError, match="outstanding_max"):
        Limits(outstanding_max=count)
