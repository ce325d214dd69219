"""What an image holds and asks for, read out of its layers; nothing of it is unpacked or run.

opened    an image by any name a user has for it       hostile   members that lead elsewhere
exported  images that an engine holds                  labelled  written again with labels
accounts  users, groups, certificate authorities
elves     every ELF file of every layer                loader    what cannot be loaded, and why
needs     the smallest glibc and kernel                copies    COPY --from that cannot run
hygiene   size, setuid, certificates, dates            goroot    where Go is and what it says
structure container-structure-test's assertions
"""
