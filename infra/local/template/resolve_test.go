package template

import (
	"maps"
	"strings"
	"testing"
)

// variables loads a template with one function and gives its environment.
func variables(t *testing.T, sections, variables string) (map[string]string, error) {
	t.Helper()
	template, err := parse([]byte(sections+`
Resources:
  Table: {Type: "AWS::DynamoDB::Table", Properties: {}}
  Named: {Type: "AWS::DynamoDB::Table", Properties: {TableName: !Sub "${Name}-named"}}
  Queue: {Type: "AWS::SQS::Queue"}
  Secret: {Type: "AWS::SecretsManager::Secret", Properties: {Description: !Nonsense x}}
  NamedSecret: {Type: "AWS::SecretsManager::Secret", Properties: {Name: !Sub "${Name}/named"}}
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
`+variables), map[string]string{"Name": "n"}, Settings{Region: "r", Account: "1", TablePrefix: "p-"})
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
Conditions:
  On: !Equals [!Ref Mode, "on"]
  Never: !Not [!Condition On]
  Both: !And [!Condition On, !Or [!Condition Never, !Equals [a, a]]]
`

func TestIntrinsics(t *testing.T) {
	env, err := variables(t, sections, `
          A: !Ref Name
          B: !Ref Table
          C: !Ref Named
          D: !GetAtt Table.Arn
          E: !GetAtt [F, Arn]
          H: !Sub "${Table}/${Queue.Arn}/${AWS::Region}/${!literal}"
          I: !Sub ["${x}-${Name}", {x: !Ref Mode}]
          J: !Join ["-", [a, !Ref Name]]
          K: !If [Both, "yes", "no"]
          L: !If [Never, "yes", !Ref "AWS::NoValue"]
          M: {Ref: Name}
          N: {"Fn::Sub": "${Name}!"}
          O: {"Fn::If": [On, 1, 2]}
          P: true
          Q: 7
          R: !Ref Secret
          S: !GetAtt Secret.Id
          T: !Ref NamedSecret
`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"G": "global", "A": "n", "B": "p-Table", "C": "p-n-named", "D": "arn:aws:dynamodb:r:1:table/p-Table",
		"E": "arn:aws:lambda:r:1:function:F", "H": "p-Table/arn:aws:sqs:r:1:Queue/Arn/r/${literal}", "I": "on-n",
		"J": "a-n",
		"K": "yes", "M": "n", "N": "n!", "O": "1", "P": "true", "Q": "7",
		"R": "arn:aws:secretsmanager:r:1:secret:Secret-7e32a7", "S": "arn:aws:secretsmanager:r:1:secret:Secret-7e32a7",
		"T": "arn:aws:secretsmanager:r:1:secret:n/named-32a68b",
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
		"A: !Cidr [a, b]":       "does not know the function Cidr",
		"A: !Join [a]":          "Join wants",
	} {
		if _, err := variables(t, sections, "          "+variable); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", variable, err, want)
		}
	}
}
