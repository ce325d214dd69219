#!/bin/sh
# kubernetes-validate 1.37.0: strict validation passes values that no cluster takes.
#
# Guess: validate(pod, strict=True) refuses a size, a medium, a policy, a port and a name that the API
# server or the kubelet refuses, as the schemas are Kubernetes' own.
# Seen: only names of fields and types are checked. The published schemas hold no pattern, no list of
# values and no range, so sizeLimit "lots", cpu "half", medium "memory", restartPolicy "never",
# containerPort 99999, the name "A_b!", a container without image and a mount of no volume all pass.
# A GOROOT in a tmpfs whose sizeLimit is "64mb" passes CI and is refused by the cluster.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
cat >"$folder/seen.py" <<'PYTHON'
import copy

import kubernetes_validate

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a"},
    "spec": {
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "c",
                "image": "go",
                "ports": [{"containerPort": 80}],
                "resources": {"limits": {"cpu": "500m"}},
                "volumeMounts": [{"name": "goroot", "mountPath": "/go"}],
            }
        ],
        "volumes": [{"name": "goroot", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}],
    },
}


def passes(change):
    pod = copy.deepcopy(POD)
    change(pod, pod["spec"]["containers"][0], pod["spec"]["volumes"][0]["emptyDir"])
    try:
        return kubernetes_validate.validate(pod, "1.31", strict=True) is not None
    except kubernetes_validate.ValidationError:
        return False


WRONG = {
    "sizeLimit lots": lambda pod, container, volume: volume.update(sizeLimit="lots"),
    "sizeLimit 64mb": lambda pod, container, volume: volume.update(sizeLimit="64mb"),
    "medium memory": lambda pod, container, volume: volume.update(medium="memory"),
    "cpu half": lambda pod, container, volume: container["resources"]["limits"].update(cpu="half"),
    "restartPolicy never": lambda pod, container, volume: pod["spec"].update(restartPolicy="never"),
    "port 99999": lambda pod, container, volume: container["ports"][0].update(containerPort=99999),
    "name A_b!": lambda pod, container, volume: pod["metadata"].update(name="A_b!"),
    "no image": lambda pod, container, volume: container.pop("image"),
    "no volume": lambda pod, container, volume: pod["spec"].pop("volumes"),
}
seen = {name: passes(change) for name, change in WRONG.items()}
print("passed:", sorted(name for name in seen if seen[name]))
assert all(seen.values())
assert not passes(lambda pod, container, volume: volume.update(sizelimit="64Mi"))
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
echo "as found with kubernetes-validate 1.37.0"
