"""The fields that the Kubernetes example uses, as JSON schemas: what is not named here is refused.

No package index that the tests can reach has KubeRay's own definitions. So these are written down by hand, from the
API reference of ray.io/v1 (docs/reference/api.md and ray-operator/apis/ray/v1 of KubeRay) for the cluster and its
groups, and from the models of the Kubernetes client for Python (37.0) for pods and network policies. A field that the
example is to use from now on is looked up there first.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 0}
QUANTITY: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"}
TEXTS: Schema = {
    "type": "object",
    "additionalProperties": {"type": "string"},
}  # a number there is refused by Kubernetes


def _object(required: str = "", **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": required.split(), "additionalProperties": False}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of, "minItems": 1}


METADATA = _object("name", name=TEXT)
LABELS = _object(matchLabels=TEXTS)
QUANTITIES: Schema = {"type": "object", "additionalProperties": QUANTITY}
ENVIRONMENT: Schema = {
    "oneOf": [
        _object("name value", name=TEXT, value={"type": "string"}),
        _object(
            "name valueFrom",
            name=TEXT,
            valueFrom=_object("secretKeyRef", secretKeyRef=_object("name key", name=TEXT, key=TEXT)),
        ),
    ]
}
PROBE = _object(
    "exec",
    exec=_object("command", command=_list(TEXT)),
    initialDelaySeconds=NUMBER,
    periodSeconds=NUMBER,
    timeoutSeconds=NUMBER,
    failureThreshold=NUMBER,
)
CONTAINER = _object(
    "name image",
    name=TEXT,
    image=TEXT,
    securityContext=_object(allowPrivilegeEscalation={"type": "boolean"}, capabilities=_object(drop=_list(TEXT))),
    env=_list(ENVIRONMENT),
    ports=_list(_object("containerPort", containerPort={**NUMBER, "maximum": 65535}, name=TEXT)),
    readinessProbe=PROBE,
    livenessProbe=PROBE,
    resources=_object(requests=QUANTITIES, limits=QUANTITIES),
    volumeMounts=_list(_object("name mountPath", name=TEXT, mountPath=TEXT)),
)
POD = _object(
    "containers",
    automountServiceAccountToken={"type": "boolean"},
    securityContext=_object(
        runAsNonRoot={"type": "boolean"},
        runAsUser=NUMBER,
        seccompProfile=_object("type", type={"enum": ["RuntimeDefault", "Localhost", "Unconfined"]}),
    ),
    containers=_list(CONTAINER),
    volumes=_list(
        _object("name", name=TEXT, emptyDir=_object(medium={"enum": ["", "Memory"]}, sizeLimit=QUANTITY)),
    ),
)
TEMPLATE = _object("spec", spec=POD)
HEAD = _object(
    "rayStartParams template",
    serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    rayStartParams=TEXTS,
    template=TEMPLATE,
)
WORKERS = _object(
    "groupName minReplicas maxReplicas rayStartParams template",
    groupName=TEXT,
    replicas=NUMBER,
    minReplicas=NUMBER,
    maxReplicas=NUMBER,
    rayStartParams=TEXTS,
    template=TEMPLATE,
)
CLUSTER = _object(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayCluster"},
    metadata=METADATA,
    spec=_object("headGroupSpec", rayVersion=TEXT, headGroupSpec=HEAD, workerGroupSpecs=_list(WORKERS)),
)
POLICY = _object(
    "apiVersion kind metadata spec",
    apiVersion={"const": "networking.k8s.io/v1"},
    kind={"const": "NetworkPolicy"},
    metadata=METADATA,
    spec=_object(
        "podSelector",
        podSelector=LABELS,
        policyTypes=_list({"enum": ["Ingress", "Egress"]}),
        ingress=_list(_object(**{"from": _list(_object(podSelector=LABELS, namespaceSelector=LABELS))})),
    ),
)
