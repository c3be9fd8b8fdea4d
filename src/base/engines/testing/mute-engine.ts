// An engine process that starts and never says so.
setInterval(() => {}, 1000)
