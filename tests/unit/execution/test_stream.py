"""Messages that nobody reads."""

import os
import subprocess
import sys

from quorate.execution.stream import lasting


def test_what_is_written_when_the_reader_is_gone_goes_nowhere_and_raises_nothing():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as given:
        stream = lasting(given)
        print("heard", file=stream)
        assert os.read(reader, 100) == b"heard\n"
        os.close(reader)
        for _ in range(3):
            print("unheard" * 10_000, file=stream, flush=True)
        os.write(writer, b"a library in C writes there, too")
        assert not stream.isatty()
        stream.detach()


def test_a_process_whose_messages_nobody_reads_goes_on():
    code = (
        "import sys; from quorate.execution.stream import keep_messages; keep_messages('stderr')\n"
        "for _ in range(1000): print('message' * 100, file=sys.stderr)\n"
        "print('result')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stdout is not None
    process.stderr.close()
    assert process.stdout.read() == "result\n"
    assert process.wait() == 0
    process.stdout.close()
