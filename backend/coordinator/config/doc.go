// Package config is coordinator.yaml: its keys with their units and defaults, how the
// file is read, and where a coordinator may listen (SPEC B2, B3, B21, B22). Every error is
// one line that begins with FILE:LINE. It imports store/engines for what a URL of a store may be, and internal/.
package config
