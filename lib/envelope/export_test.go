package envelope

// EndRecord is what Run.End calls, for tests of headers that no run has.
var EndRecord = endRecord
