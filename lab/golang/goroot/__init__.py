"""Go toolchains side by side on this machine: installed, switched atomically, staged, handed out.

home      the folder of versions, and which generation is current    origins    where they come from
switch    use, rollback, status       mounting   overlays, swapped   fsmount    the kernel's calls
stage     copies in memory            copying    by rsync and sums   watching   inotify
shared_memory the same without mounts
sums      sha256sum's lists           systemd    staged at boot      inject     for pipelines
archive   for clusters, unpacked by place.sh
kubernetes manifests of that archive            kubernetes_schemas check them
discovered toolchains that the lab did not install
"""
