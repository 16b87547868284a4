"""The fault matrix: each operation with each fault, and how the run must end. support/fault_matrix.py runs it."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Fault:
    """What the proxy does to a request (support/fault_proxy.py)."""
    action: str
    status: int = 0
    code: str = ""
    at: int = 0              # percent of the body that pass
    executed: bool = False   # the endpoint executes the request
    times: int = 2           # how many requests in a row get the fault
    clock_s: int = 0         # how far the Date of the response is ahead
    new_keys: bool = False   # the job's credentials come from a program that always has new ones


@dataclasses.dataclass(frozen=True)
class End:
    """How a run ends. The defaults: as without a fault, because a retry or a correction cures it."""
    why: str
    exit: int | None = None   # None: as without a fault
    outcomes: dict | None = None  # key -> outcome in the journal, where it differs; None: as without a fault
    no_journal: bool = False  # the run ends before it has a result
    kind: str = ""            # of the error in the journal
    stored: bool = False      # the object of a failed input is in the store, with its content
    orphan: bool = False      # an upload is left, and `s3flow clean` removes it
    times: int | None = None  # how many requests get the fault, where it differs


def status(number, code="", **more):
    return Fault("status", number, code, **more)


FAULTS = {
    "500": status(500, "InternalError"),
    "502": status(502),
    "503": status(503, "ServiceUnavailable"),
    "504": status(504),
    "SlowDown": status(503, "SlowDown"),
    "429": status(429, "TooManyRequests"),
    "400 RequestTimeout": status(400, "RequestTimeout"),
    "403 RequestTimeTooSkewed": status(403, "RequestTimeTooSkewed", times=1, clock_s=600),  # the endpoint accepts 900
    "400 ExpiredToken": status(400, "ExpiredToken", times=1, new_keys=True),
    "400 ExpiredToken, fixed keys": status(400, "ExpiredToken", times=1),
    "409 conflict": status(409, "ConditionalRequestConflict"),
    "412": status(412, "PreconditionFailed", times=1),
    "reset before headers": Fault("reset"),  # after those of the request, before those of the response
    # Of the request's body. If it has none: of the response's.
    "reset at 1 % of the body": Fault("reset in body", at=1),
    "reset at 50 % of the body": Fault("reset in body", at=50),
    "reset at 99 % of the body": Fault("reset in body", at=99),
    "closed without a response": Fault("close"),  # after the full body
    "empty reply": status(200),  # no header but Date and Content-Length: 0; nothing was executed
    "truncated XML": Fault("truncated xml", executed=True),
    "truncated headers": Fault("truncated headers", executed=True),
    "200 with InternalError": status(200, "InternalError"),
    "200 with AccessDenied": status(200, "AccessDenied", times=1),
    "garbage body": Fault("garbage body", executed=True),
    "endless body": Fault("endless body", executed=True, times=1),
    "missing ETag": Fault("missing etag", executed=True, times=1),
    "wrong ETag": Fault("wrong etag", executed=True, times=1),
    "carried out, then 500": status(500, "InternalError", executed=True),
    "carried out, then reset": Fault("lost", executed=True),
}
RESETS_IN_BODY = tuple(name for name, fault in FAULTS.items() if fault.action == "reset in body")
ETAGS = ("missing ETag", "wrong ETag")

CREATE, PART, COMPLETE, ABORT = "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"
PUT, PARTS, HEAD, LIST = "PutObject", "ListParts", "HeadObject", "ListObjectsV2"
# The same operation at another place of a run.
HEAD_LOST, HEAD_CONDITION = "HeadObject after a lost completion", "HeadObject before a conditional write"
PARTS_ABORT = "ListParts after an abort"
HEADS = (HEAD, HEAD_LOST, HEAD_CONDITION)
ROWS = (CREATE, PART, COMPLETE, ABORT, PUT, PARTS, HEAD, LIST, HEAD_LOST, HEAD_CONDITION, PARTS_ABORT)


def cells_of(rows, faults):
    return [(row, fault) for row in rows for fault in faults]


# Cells that do not exist, and why.
SENSELESS = {
    **dict.fromkeys(cells_of((ABORT, *HEADS), RESETS_IN_BODY), "neither request nor response has a body"),
    **dict.fromkeys(cells_of((PUT, PART, ABORT, *HEADS), ("truncated XML",)), "a response without a body"),
    **dict.fromkeys(cells_of((CREATE, ABORT, HEAD_CONDITION, PARTS_ABORT), ETAGS), "a response without an ETag"),
}

FIXED, DENIED = "400 ExpiredToken, fixed keys", "200 with AccessDenied"
NO_KEYS = "fixed keys cannot be renewed: the input is left to a later run with other keys"
ONE_LARGE, ONE_SMALL = {"large": "failed"}, {"two": "failed"}
LOST_COMPLETION = "a HeadObject finds the completed object, so the completion is not sent again"
NO_CODE = "a response to HEAD has no body, so its code is unknown; the status alone is a refusal"
GONE = "the abort is repeated, and its NoSuchUpload says what ListParts would say"
REFUSED_LIST = "nothing is uploaded without knowing what the store has; the run ends before its first input"


def refused(why, row_outcomes, exit=1, **more):
    return End(why, exit=exit, outcomes=row_outcomes, **{"kind": "permanent", **more})


ENDS = {
    # A refusal that no retry cures.
    **dict.fromkeys(cells_of((CREATE, PART, COMPLETE, PARTS), ("412",)), refused("412 is a refusal", ONE_LARGE)),
    (PUT, "412"): refused("412 is a refusal", ONE_SMALL),
    **dict.fromkeys(cells_of((CREATE, PART, COMPLETE), (DENIED,)),
                    refused("the keys may not do it, and nothing has succeeded before", ONE_LARGE, 77, kind="access_denied")),
    (PUT, DENIED): refused("the keys may not do it", ONE_SMALL, kind="access_denied"),
    (PARTS, DENIED): End("keys that may not list: the journal says which parts exist"),
    **dict.fromkeys(cells_of((LIST,), ("412", DENIED)), End(REFUSED_LIST, exit=77, no_journal=True)),

    # Keys that expire.
    (CREATE, FIXED): End(NO_KEYS, exit=75, outcomes={"large": "cancelled"}, kind="no_credentials"),
    **dict.fromkeys(cells_of((PART, COMPLETE, PARTS), (FIXED,)),
                    End(NO_KEYS, exit=75, outcomes={"large": "cancelled"}, kind="no_credentials", orphan=True)),
    (PUT, FIXED): End(NO_KEYS, exit=75, outcomes={"two": "cancelled"}, kind="no_credentials"),
    (LIST, FIXED): End(REFUSED_LIST, exit=77, no_journal=True),
    (ABORT, FIXED): End("without keys the upload cannot be aborted; the error says so", kind="permanent", orphan=True),

    # The end of a multipart upload.
    **dict.fromkeys(cells_of((COMPLETE,), ("truncated XML", "truncated headers", "garbage body", "carried out, then 500",
                                           "carried out, then reset")), End(LOST_COMPLETION, times=1)),
    (COMPLETE, "wrong ETag"): refused("a wrong ETag looks like wrong content", ONE_LARGE, kind="integrity", stored=True),
    (HEAD_LOST, "wrong ETag"): refused("a wrong ETag looks like wrong content", ONE_LARGE, kind="integrity", stored=True),
    (ABORT, "garbage body"): End("a 2xx is a success; ListParts then says that the upload is gone", times=1),
    **dict.fromkeys(cells_of((PARTS_ABORT,), ("500", "502", "503", "504", "SlowDown", "429", "400 RequestTimeout", "409 conflict",
                                              *RESETS_IN_BODY, "empty reply", "truncated headers", "200 with InternalError",
                                              "carried out, then 500")), End(GONE, times=1)),

    # What a response says besides.
    (HEAD_LOST, "garbage body"): End("a response to HEAD has no body: the bytes are dropped with the connection", times=1),
    (PUT, "garbage body"): End("status and ETag say that the object is stored; a body means nothing", times=1),
    **dict.fromkeys(cells_of((LIST,), ETAGS), End("without its ETag the object's content is unknown: it is uploaded again",
                                                  outcomes={"kept": "uploaded"})),

    # A response to HEAD.
    (HEAD, "wrong ETag"): refused("the store contradicts itself: it acknowledged another ETag", {"one": "failed"}, kind="integrity", stored=True),
    **dict.fromkeys(cells_of((HEAD,), ("409 conflict", "412")), refused(NO_CODE, {"one": "failed"}, times=1, stored=True)),
    **dict.fromkeys(cells_of((HEAD_CONDITION,), ("409 conflict", "412")), refused(NO_CODE, {"one": "failed"}, times=1)),
}


def end_of(row, fault):
    return ENDS.get((row, fault), End("a retry or a correction cures it"))


def cells():
    """Returns all pairs of row and fault that make sense."""
    return [cell for cell in cells_of(ROWS, FAULTS) if cell not in SENSELESS]
