// Package storetest is the contract of a store.Store, run on every pair of Index and
// Blobs, crashes included. It is imported by tests only.
package storetest
