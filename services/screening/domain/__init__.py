"""The rules of screening, pure: who is admitted, what a ballot must hold, what votes decide, how far people agree."""

from services.screening.domain.agreement import Agreement as Agreement
from services.screening.domain.agreement import agreement as agreement
from services.screening.domain.ballots import LONGEST_TEXT as LONGEST_TEXT
from services.screening.domain.ballots import Ballot as Ballot
from services.screening.domain.ballots import Fault as Fault
from services.screening.domain.ballots import faults as faults
from services.screening.domain.dates import DATE_RULES as DATE_RULES
from services.screening.domain.dates import MERGED_RULE as MERGED_RULE
from services.screening.domain.dates import Refusal as Refusal
from services.screening.domain.dates import refusal as refusal
from services.screening.domain.deciding import Decision as Decision
from services.screening.domain.deciding import Outcome as Outcome
from services.screening.domain.deciding import decide as decide
from services.screening.domain.deciding import decision_of as decision_of
from services.screening.domain.deciding import reason_given as reason_given
from services.screening.domain.notices import standing as standing
from services.screening.domain.stages import answer_named as answer_named
from services.screening.domain.stages import decisions as decisions
from services.screening.domain.stages import next_stage as next_stage
from services.screening.domain.stages import stage_named as stage_named
from services.screening.domain.states import ASKED_IN as ASKED_IN
from services.screening.domain.states import TO_DECIDE as TO_DECIDE
from services.screening.domain.states import TO_SCREEN as TO_SCREEN
from services.screening.domain.states import LeaseStates as LeaseStates
from services.screening.domain.states import RecordStates as RecordStates
from services.screening.domain.states import TaskStates as TaskStates
