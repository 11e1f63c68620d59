"""What `qspec check` loads: no framework and no numbers, and of the package only what the task needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qspec._resources import resource
from tests.graph.keras_configs import archive
