package environment

import (
	"strings"
	"testing"
)

// What is missing and what is malformed is said together, in one sentence, also of the
// settings within others.
func TestAllThatIsWrongIsInOneSentence(t *testing.T) {
	t.Setenv("TEST_NUMBER", "many")
	var settings struct {
		AWS    AWS
		Table  string `env:"TEST_TABLE,required,notEmpty"`
		Number int    `env:"TEST_NUMBER,required"`
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "x")
	}
	err := Read(&settings)
	if err == nil {
		t.Fatal("nothing is missing")
	}
	for _, want := range []string{`"TEST_TABLE"`, "Number"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "AWS") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	t.Setenv("TEST_TABLE", "t")
	t.Setenv("TEST_NUMBER", "7")
	if err := Read(&settings); err != nil || settings.AWS.Region != "x" || settings.Number != 7 {
		t.Errorf("%+v, %v", settings, err)
	}
}
