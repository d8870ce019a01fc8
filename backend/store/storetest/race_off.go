//go:build !race

package storetest

const quotaRounds = 100
