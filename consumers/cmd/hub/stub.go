package main

type lambdaCommand struct{}
type replayCommand struct{}
type verifyCommand struct{}

func (lambdaCommand) Run() error { return nil }
func (replayCommand) Run() error { return nil }
func (verifyCommand) Run() error { return nil }
