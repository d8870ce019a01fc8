// Package api serves S3's REST protocol over a store: routing, XML, ranges, conditions,
// checksums and multipart uploads. Who asks is authn's, what they may is authz's. It
// imports store and the packages of backend/s3, nothing else of this module but internal/. What it
// does not offer it refuses with NotImplemented where somebody sets it (refuse.go, subresources.go).
package api
