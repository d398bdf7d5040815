# What others take of the ledger, each with where it is defined, see the stub of quorate.

from .candidates import LENT as LENT
from .candidates import Candidate as Candidate
from .candidates import Recorder as Recorder
from .candidates import read_lent as read_lent
from .candidates import record_candidates as record_candidates
from .candidates import stored_candidates as stored_candidates
from .candidates import tried_by_now as tried_by_now
from .independent import effective as effective
from .ledger import Ledger as Ledger
from .ledger import ledger_of as ledger_of
from .lineage import lineage_of as lineage_of
from .lineage import related as related
from .openings import Opening as Opening
from .openings import looks as looks
from .openings import record_opening as record_opening
from .openings import record_override as record_override
from .reports import record_report as record_report
from .tally import Count as Count
from .tally import count as count
from .tally import tried_so_far as tried_so_far
