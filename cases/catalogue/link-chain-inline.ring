# SPDX-License-Identifier: Apache-2.0
# A link chain without any group, and requests beside it: a kernel with
# groups must do what one without does. Requests complete while they are
# submitted.
# Written by cases/families, family neighbours.
name link-chain-inline
rules G12

ring r0 entries=4

submit r0
  first: nop LINK
  second: nop LINK
  third: nop
  beside: nop
wait r0
