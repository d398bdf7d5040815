import pytest


@pytest.fixture
def write(tmp_path):
    def write(text, name="ABC.csv"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(file)

    return write
