/** What `rootaudit init` writes. */

export const POLICY_TEMPLATE = `# The policy of rootaudit; every key: docs/policy.md. Nothing below changes a scan until it is uncommented.
# rootaudit finds this file from the directory it is run in, upwards to the root of the repository.
version: 1

# Fail on a listed root that is trusted and this bad or worse: info, low, medium, high, critical.
# Add unrecognised to fail also on roots that no root programme ships: fail-on: [medium, unrecognised]
fail-on: medium

# A rule names a root by any of these; what is given has to fit all together:
#   sha256        fingerprint of the certificate (rootaudit list -f json has it)
#   spki          SHA-256 of its public key: also certificates that are issued anew
#   subject       CN=Example Root,O=Example,C=NL: attributes that its name has. Anybody can use a name.
#   organisation  O of its name
# and may be limited to places:
#   stores        types of stores, as in rootaudit list; * is any characters
#   paths         /opt/app, /home/*/.pki, "**/cacerts": with all that is below

# Roots that may be there: beside "only", and never unrecognised. A root on the blocklist needs a waiver.
# allow:
#   - sha256: 0000000000000000000000000000000000000000000000000000000000000000
#     reason: our own root for internal services

# Roots that must not be trusted.
# forbid:
#   - organisation: Example Surveillance Ltd
#     reason: we do not want them to read our traffic
#   - paths: /home
#     reason: nobody adds roots of their own

# Roots that must be trusted: in every store that the limits mean, or in one at least.
# require:
#   - sha256: 0000000000000000000000000000000000000000000000000000000000000000
#     stores: [debian-bundle, java-cacerts]
#     reason: without it the internal services are not reached

# Nothing but these roots (and those of allow and require) may be trusted.
# only:
#   - file: roots.pem            # certificates, or a SHA-256 fingerprint a line; beside this file
#   - organisation: Example B.V.

# Findings that are accepted up to a day. From the next day on they fail again.
# waivers:
#   - advisory: example-advisory # and/or sha256, spki
#     paths: /opt/legacy
#     reason: the legacy client is replaced in June
#     owner: security@example.org
#     expires: 2027-06-30
`;
