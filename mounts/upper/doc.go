// Package upper is the write path of a mount: one namespace tree laid over the
// store's listing, staged files, a journal of intents, and the queue that brings
// them to the store, so that a closed write is never lost or torn. It imports
// internal/fault and nothing else of this module: what reads and changes the
// bucket comes in through Lower and Remote.
package upper
