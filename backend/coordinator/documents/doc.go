// Package documents keeps a coordinator's control state as JSON documents in the system
// bucket (SPEC B15): each with a version and a checksum, and with the version before it
// beside it, which stands in for one that is damaged. It imports backend/store.
package documents
