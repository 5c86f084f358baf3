"""Training: what one loop does for every objective and both backends."""

from gendsl.training.checkpoint import checkpoints, load, save
from gendsl.training.contract import Job, Learner, Report, Trained
from gendsl.training.data import Stream, Table
from gendsl.training.history import History
from gendsl.training.state import Best, TrainState

__all__ = [
    "Best",
    "History",
    "Job",
    "Learner",
    "Report",
    "Stream",
    "Table",
    "TrainState",
    "Trained",
    "checkpoints",
    "load",
    "save",
]
