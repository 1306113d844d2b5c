package template

import (
	"maps"
	"strings"
	"testing"

	"customercare/infra/local/kms"
)

// variables loads a template with one function and gives its environment.
func variables(t *testing.T, sections, variables string) (map[string]string, error) {
	t.Helper()
	template, err := parse([]byte(sections+`
Resources:
  Table: {Type: "AWS::DynamoDB::Table", Properties: {}}
  Queue: {Type: "AWS::SQS::Queue"}
  Key: {Type: "AWS::KMS::Key", Properties: {KeySpec: ECC_NIST_EDWARDS25519, KeyUsage: SIGN_VERIFY}}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {SecretStringTemplate: "{}", GenerateStringKey: k, PasswordLength: 8, ExcludePunctuation: true}
  Off:
    Type: AWS::Serverless::Function
    Condition: Never
    Properties: {CodeUri: functions/off/, Handler: !Nonsense x}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/f
      Environment:
        Variables:
`+variables), map[string]string{"Name": "n"}, Settings{Region: "r", TablePrefix: "p-"})
	if err != nil {
		return nil, err
	}
	if _, there := template.Function("off"); there {
		t.Error("a resource is there although its condition is false")
	}
	f, _ := template.Function("f")
	return f.Environment, nil
}

const sections = `
Parameters: {Name: {Type: String}, Mode: {Type: String, Default: "on"}}
Globals: {Function: {Environment: {Variables: {G: global, A: global}}}}
Mappings: {Modes: {on: {Is: 1}}}
Conditions:
  On: !Equals [!Ref Mode, "on"]
  Never: !Not [!Equals [!Ref Mode, "on"]]
  Both: !And [!Condition On, !Condition Never]
  Either: !Or [!Condition Never, !Condition On]
  All: !And [!Condition On, !Condition Either]
  Neither: !Or [!Condition Never, !Condition Both]
`

func TestIntrinsics(t *testing.T) {
	env, err := variables(t, sections, `
          A: !Ref Name
          B: !Ref Table
          D: !GetAtt Table.Arn
          E: !GetAtt F.Arn
          H: !Sub "${Table}/${Queue.Arn}/${AWS::Region}"
          K: !If [On, "yes", "no"]
          L: !If [Never, "yes", !Ref "AWS::NoValue"]
          M: !If [Both, "yes", "no"]
          N: !If [Either, "yes", "no"]
          O: !If [Neither, "yes", "no"]
          P: !If [All, "yes", "no"]
          Q: 7
          R: !Ref Secret
          S: !Ref Key
          T: !GetAtt Key.Arn
          U: !Join [" ", [!Ref Name, x, !Select [1, !Split ["/", !Sub "${Table}/${Queue.Arn}/"]]]]
          V: !FindInMap [Modes, !Ref Mode, Is]
`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"G": "global", "A": "n", "B": "p-Table", "D": "arn:aws:dynamodb:r:123456789012:table/p-Table",
		"E": "arn:aws:lambda:r:123456789012:function:F", "H": "p-Table/arn:aws:sqs:r:123456789012:Queue/Arn/r",
		"K": "yes", "M": "no", "N": "yes", "O": "no", "P": "yes", "Q": "7", "R": "arn:aws:secretsmanager:r:123456789012:secret:Secret-7e32a7",
		"S": kms.ID("Key"), "T": "arn:aws:kms:r:123456789012:key/" + kms.ID("Key"),
		"U": "n x arn:aws:sqs:r:123456789012:Queue", "V": "1",
	}
	if !maps.Equal(env, want) {
		t.Errorf("%v\nwant %v", env, want)
	}
}

func TestWhatCannotBeResolvedIsNamed(t *testing.T) {
	for variable, want := range map[string]string{
		"A: !Ref Nobody":        `no parameter or resource "Nobody"`,
		"A: !GetAtt Nobody.Arn": `no resource "Nobody"`,
		`A: !Sub "${Nobody}"`:   `no parameter or resource "Nobody"`,
		"A: !If [Nobody, 1, 2]": `no condition "Nobody"`,
		// A resource whose condition does not hold.
		"A: !Ref Off":        `no parameter or resource "Off"`,
		"A: !GetAtt Off.Arn": `no parameter or resource "Off"`,
		"A: !Cidr [a, b]":    "does not know the function Cidr",
		// What template.yaml has no use for.
		"A: !Join [-, a]":              "line 31: the local stack does not know the function Join in this form",
		"A: !Split [-]":                "line 31: the local stack does not know the function Split in this form",
		"A: !Select [0, a]":            "line 31: the local stack does not know the function Select in this form",
		"A: !Select [2, [a, b]]":       "line 31: there is no item 2 of 2",
		"A: !FindInMap [Modes, a, Is]": "line 31: there is no [a Is] in the mapping Modes",
		`A: !Sub ["${x}", {x: 1}]`:     "does not know the function Sub in this form",
		"A: !GetAtt [F, Arn]":          "does not know the function GetAtt in this form",
		"A: !And [a]":                  "does not know the function And in this form",
		"A: !Condition Nobody":         `no condition "Nobody"`,
		"A: !Equals [a]":               "does not know the function Equals in this form",
		"A: {Ref: Name}":               "line 31: the local stack knows the short form of Ref only",
		`A: {"Fn::Sub": "${Name}"}`:    "knows the short form of Fn::Sub only",
		"A: &a x\n          B: *a":     "line 32: the local stack knows no aliases",
		"<<: {A: x}":                   "line 31: the local stack knows no aliases",
		"A: x\n          A: y":         "line 32: A is there twice",
		"A: true":                      "cannot unmarshal bool",
	} {
		if _, err := variables(t, sections, "          "+variable); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", variable, err, want)
		}
	}
}
