//! The player's table.

super::code_table! {
    /// What happens to a player, as its state event tells it.
    ///
    /// 2001, 2002, 2003, 2008, 2009 and 2004 come in this order, with one 2007 between 2002 and the first motion. A
    /// retry repeats 2001 and 2002 after its 2103.
    PlayerCode, "player";

    /// TCP, and TLS where the address asks for it, is connected.
    Connected = 2001, Info, "connected to the server", "已经连接服务器";
    /// The server accepted the request: media is on its way.
    Pulling = 2002, Info, "connected to the server, pulling begins", "已经连接服务器,开始拉流";
    /// The first video key frame was received.
    FirstKeyFrame = 2003, Info, "the first video key frame arrived", "网络接收到首个视频数据包(IDR)";
    /// The first picture is shown; again when motion resumes after a pause to load.
    PlaybackStarted = 2004, Info, "playback started", "视频播放开始";
    /// The playback position, once a second while playing.
    Progress = 2005, Info, "playback position", "视频播放进度";
    /// The stream came to its end: never after an error.
    Ended = 2006, Info, "playback ended", "视频播放结束";
    /// There is nothing to play: loading begins.
    Loading = 2007, Info, "loading", "视频播放Loading";
    /// The decoder is open.
    DecoderStarted = 2008, Info, "the decoder started", "解码器启动";
    /// The picture's size is known, or changed.
    ResolutionChanged = 2009, Info, "the video resolution changed", "视频分辨率改变";
    /// Every retry failed, or the server's refusal is final; the player is stopped.
    RetriesExhausted = -2301, Fatal, "the connection is lost and every retry failed; start again to try once more",
        "网络断连，且经多次重连抢救无效，更多重试请自行重启播放";
    /// The embedding application's address resolver failed or was too slow; the plain address is played.
    AcceleratedAddressFailed = -2302, Error, "no accelerated address could be obtained, the plain one is played",
        "获取加速拉流地址失败";
    /// One picture failed to decode; playback goes on.
    VideoDecodeFailed = 2101, Warning, "a picture could not be decoded", "当前视频帧解码失败";
    /// One audio frame failed to decode; playback goes on.
    AudioDecodeFailed = 2102, Warning, "an audio frame could not be decoded", "当前音频帧解码失败";
    /// The connection was lost, or no media came for too long: a retry begins.
    Reconnecting = 2103, Warning, "the connection is lost, reconnecting", "网络断连, 已启动自动重连";
    /// Media arrives unevenly.
    UnevenArrival = 2104, Warning, "media arrives unevenly: too little downlink bandwidth, or an uneven sender",
        "网络来包不稳：可能是下行带宽不足，或由于主播端出流不均匀";
    /// Too long a time passed between two pictures while playing.
    Stutter = 2105, Warning, "playback stutters", "当前视频播放出现卡顿";
    /// A hardware decoder refused to open; software took over.
    HardwareDecoderFallback = 2106, Warning, "the hardware decoder cannot start, software decoding is used",
        "硬解启动失败，采用软解";
    /// Timestamps jumped, or pictures are missing.
    Discontinuity = 2107, Warning, "the pictures are not continuous, some may be lost",
        "当前视频帧不连续，可能丢帧";
    /// The hardware decoder failed on the first key frame; software took over and still shows that key frame.
    FirstKeyFrameFallback = 2108, Warning,
        "the hardware decoder failed on the first key frame, software decoding is used",
        "当前流硬解第一个I帧失败，SDK自动切软解";
    /// The host name did not resolve.
    DnsFailed = 3001, Warning, "the server's name cannot be resolved", "RTMP -DNS解析失败";
    /// No address of the host accepted a connection, or TLS failed.
    ConnectFailed = 3002, Warning, "the connection to the server failed", "RTMP服务器连接失败";
    /// The byte handshake failed, a step of the opening dialogue was not answered in time, or the server refused it.
    HandshakeFailed = 3003, Warning, "the handshake with the server failed", "RTMP服务器握手失败";
    /// Reading or writing an open stream failed.
    IoFailed = 3005, Warning, "reading from or writing to the server failed", "RTMP 读/写失败";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_table_is_complete_and_in_its_order() {
        let numbers: Vec<i32> = PlayerCode::ALL.iter().map(|code| code.number()).collect();
        let mut table: Vec<i32> = (2001..=2009).collect();
        table.extend([-2301, -2302]);
        table.extend(2101..=2108);
        table.extend([3001, 3002, 3003, 3005]);
        assert_eq!(numbers, table);
    }

    #[test]
    fn only_exhausted_retries_end_a_session() {
        let fatal: Vec<_> = PlayerCode::ALL.iter().filter(|code| code.is_fatal()).collect();
        assert_eq!(fatal, [&PlayerCode::RetriesExhausted]);
        assert_eq!(PlayerCode::Loading.text_zh(), "视频播放Loading");
    }
}
