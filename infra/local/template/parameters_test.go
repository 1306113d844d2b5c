package template

import (
	"strings"
	"testing"

	"github.com/alecthomas/repr"
)

func TestParametersAreChecked(t *testing.T) {
	for _, c := range []struct {
		file   string
		params map[string]string
		want   string
	}{
		{"../stack/testdata/template.yaml", nil, "Greeting has no default"},
		{"../stack/testdata/template.yaml", map[string]string{"Greeting": "hi"}, "Greeting does not match"},
		{"../../../template.yaml", map[string]string{"TempAllowTypes": "all"}, "TempAllowTypes does not match"},
		{"../../../template.yaml", map[string]string{"TempAllowTypes": "1=2h" + strings.Repeat(",222222222=11111h", 12)},
			"TempAllowTypes is longer than 192 characters"},
		{"../../../template.yaml", map[string]string{"DigestKeyId": "1.2"}, "DigestKeyId does not match"},
		{"../../../template.yaml", map[string]string{"Nobody": "x"}, `no parameter "Nobody"`},
		{"../../../template.yaml", map[string]string{"ClockSkew": "0m"},
			`parameter ClockSkew does not match ^(0s|[1-9][0-9]{0,5}(ms|s|m))$: "0m" (the default is 1m)`},
		{"../../../template.yaml", map[string]string{"ClockSkew": "1s\n"}, "ClockSkew does not match"},
		{"../../../template.yaml", map[string]string{"DrainBudget": "21s"}, "(at most 20s, which leaves"},
		{"../../../template.yaml", map[string]string{"SetsApiGatewayLogRole": "yes"},
			`SetsApiGatewayLogRole has a value that is not allowed: "yes"`},
		{"../../../template.yaml", map[string]string{"LogRetentionDays": "2"},
			"LogRetentionDays has a value that is not allowed"},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "0"}, `ProvisionRate is less than 1: "0"`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "10001"},
			`ProvisionRate is more than 10000: "10001"`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "many"}, `ProvisionRate is no number: "many"`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": ""}, `ProvisionRate is no number: ""`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "NaN"}, "ProvisionRate is no number"},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "0x10"}, "ProvisionRate is no number"},
		{"../../../template.yaml", map[string]string{"GuessLimit": "1e1"}, "GuessLimit is no number"},
	} {
		if _, err := Load(c.file, c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.params, err, c.want)
		}
	}
}

// Every fault is named at once, a sentence for each; the other parameters keep their
// defaults.
func TestAllFaultsOfParametersAreNamed(t *testing.T) {
	_, err := Load("../../../template.yaml", map[string]string{"Nobody": "x", "Alone": "y", "ClockSkew": "z",
		"CleanRate": "-1"})
	want := "template.yaml: there is no parameter \"Alone\"\nthere is no parameter \"Nobody\"\n" +
		"parameter CleanRate is less than 1: \"-1\"\nparameter ClockSkew does not match ^(0s|[1-9][0-9]{0,5}(ms|s|m))$: \"z\" (the default is 1m)"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	template, err := Load("../../../template.yaml", map[string]string{"WriterLifetime": "2s", "ClockSkew": "0s"})
	if err != nil || template.Parameters["ClockSkew"] != "0s" || template.Parameters["WriterLifetime"] != "2s" ||
		template.Parameters["CleanRate"] != "20" {
		t.Errorf("%s, %v", repr.String(template), err)
	}
	if _, err := parse([]byte("Parameters: {P: {Type: String, MinLength: 2}, Q: {Type: Number, MaxValue: none}}"),
		map[string]string{"P": "a", "Q": "1"}, Settings{}); err == nil ||
		!strings.HasPrefix(err.Error(), "parameter P: the local stack does not know this: unknown field \"MinLength\"\nparameter Q: ") {
		t.Errorf("%v", err)
	}
}
