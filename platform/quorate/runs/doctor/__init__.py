"""What is wrong, or worth knowing, of the machine, what is installed, and a home; nothing is changed."""

from quorate.runs.doctor.doctor import Diagnosis, doctor
from quorate.runs.doctor.finding import Finding

__all__ = ["Diagnosis", "Finding", "doctor"]
