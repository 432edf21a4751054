// SPDX-License-Identifier: Apache-2.0
#define module_param_named(name, variable, type, perm)	\
	int module_param_##name##_perm = perm
