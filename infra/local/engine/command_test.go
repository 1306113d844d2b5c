package engine

import "testing"

func TestExitCodeOfTheCommand(t *testing.T) {
	t.Setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:1") // nothing is started
	for _, c := range []struct {
		args []string
		code int
		fail bool
	}{
		{[]string{"sh", "-c", `test "$DYNAMODB_ENDPOINT" = http://127.0.0.1:1`}, 0, false},
		{[]string{"sh", "-c", "exit 7"}, 7, false},
		{[]string{"sh", "-c", "kill -9 $$"}, 1, true},
		{[]string{"no-such-command"}, 1, true},
		{nil, 2, true},
	} {
		if code, err := RunWith(c.args); code != c.code || err != nil != c.fail {
			t.Errorf("%v: %d, %v", c.args, code, err)
		}
	}
}
