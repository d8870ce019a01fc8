// Package authz decides what an identity may do with a bucket or a key. It imports authn
// for the identity, nothing else of this module.
package authz
