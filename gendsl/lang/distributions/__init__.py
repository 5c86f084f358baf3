"""Every distribution family; importing this package fills the registry."""

from gendsl.lang.distributions.base import Distribution
from gendsl.lang.distributions.continuous import *  # noqa: F403
from gendsl.lang.distributions.continuous import __all__ as _continuous
from gendsl.lang.distributions.discrete import *  # noqa: F403
from gendsl.lang.distributions.discrete import __all__ as _discrete
from gendsl.lang.distributions.multivariate import *  # noqa: F403
from gendsl.lang.distributions.multivariate import __all__ as _multivariate
from gendsl.lang.distributions.sequences import *  # noqa: F403
from gendsl.lang.distributions.sequences import __all__ as _sequences
from gendsl.lang.distributions.structured import *  # noqa: F403
from gendsl.lang.distributions.structured import __all__ as _structured

__all__ = ["Distribution", *_continuous, *_discrete, *_multivariate, *_sequences, *_structured]  # noqa: PLE0604
