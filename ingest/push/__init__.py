"""Sending an import's accepted events, each exactly once, and proving it.

    summary → begin → plan → send_part … → end → receipt
                                └ stop, wait, resume
"""

from ingest.push.evidence import evidence, write_readable
from ingest.push.outcome import end, latest, progress, receipt, resume, stop, verify_again, wait
from ingest.push.plan import begin, plan
from ingest.push.send import Sent, send_part
from ingest.push.summary import summary
from ingest.push.verify import remember_before

__all__ = ["Sent", "begin", "end", "evidence", "latest", "plan", "progress", "receipt", "remember_before", "resume", "send_part", "stop", "summary", "verify_again", "wait", "write_readable"]
