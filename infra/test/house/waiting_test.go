package house

import "testing"

// waits skips a test that is red until the redesign of the house is whole.
func waits(t *testing.T) {
	t.Helper()
	t.Skip("not everything has moved into the house yet")
}
