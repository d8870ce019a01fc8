// Package listing keeps what a store lists in little memory, and orders and filters
// it. It knows nothing of stores and screens, and imports nothing of this module.
package listing
