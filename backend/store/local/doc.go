// Package local is the store of one machine: bolt's index and dir's blobs in one
// folder. It imports store and its implementations, nothing else of this module but internal/.
package local
