// Package migrate makes one store what another is: buckets, objects with all that is known of
// them, uploads in flight, counted prefixes and quotas. It works on the engines below a Store,
// so that times, ETags and parts stay what they are, and imports store's interfaces alone.
package migrate
