//go:build race

package storetest

// quotaRounds is small where the race detector slows all of it down.
const quotaRounds = 12
