// Package faultproxy stands in front of a store on loopback, for tests, and makes it fail
// in the ways that stores and networks do, switched while requests are under way.
// It imports nothing of this module.
package faultproxy
