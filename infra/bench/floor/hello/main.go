// Command hello is the least that can be a Go Lambda: what any other costs at its start.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() error { return nil }) }
