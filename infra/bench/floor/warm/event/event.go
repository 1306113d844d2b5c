// Package event is what the program warm is asked for: keys and values that are worked out already, so that nothing is left
// to do but the calls.
package event

// Event is one invocation.
type Event struct {
	Operation string `json:"operation"` // the folder of the function whose calls to make

	User string `json:"user,omitempty"` // the key of a user

	Principal string `json:"principal,omitempty"` // the key of who calls
	Failures  string `json:"failures,omitempty"`  // the key of the failed attempts from where they call
	Secret    string `json:"secret,omitempty"`    // a password, in the clear
	Token     string `json:"token,omitempty"`     // the key of a token

	Scope    string   `json:"scope,omitempty"`    // account or tenant
	Customer string   `json:"customer,omitempty"` // the key of a customer
	Code     string   `json:"code,omitempty"`
	Digest   string   `json:"digest,omitempty"`  // of the customer, or of all numbers
	Numbers  []string `json:"numbers,omitempty"` // sorted
	Digests  []byte   `json:"digests,omitempty"` // of the numbers, one behind the other
}
